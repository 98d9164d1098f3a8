// The entry: what every page has, then the parts a page asks for by the elements it contains.
import "./install.js";
import "./shell.js";

const parts = {
  "photo-timeline": () => import("./timeline.js"),
  "photo-grid": () => import("./grid.js"),
  "photo-viewer": () => import("./viewer.js"),
  "photo-editor": () => import("./editor.js"),
  "search-box": () => import("./search.js"),
  "rule-field": () => import("./rule.js"),
  "tag-review": () => import("./review.js"),
  "people-board": () => import("./people.js"),
  "share-gallery": () => import("./share.js"),
  "place-map": () => import("./place_map.js"),
  "duplicate-board": () => import("./duplicates.js"),
  "job-board": () => import("./activity.js"),
};

document.documentElement.classList.replace("no-js", "js");
for (const [name, load] of Object.entries(parts)) {
  if (document.querySelector(name)) load();
}
if (document.body.dataset.signedIn === "yes") {
  import("./upload.js");
  import("./live.js");
}
