// A strip of the photos that look like this one.
import { api } from "./api.js";
import { h } from "./dom.js";
import { altOf, fromItem } from "./tile.js";

const SHOWN = 8;

class SimilarPhotos extends HTMLElement {
  connectedCallback() {
    // Far down the panel: asked for when it comes near.
    this.near = new IntersectionObserver(([entry]) => entry.isIntersecting && this.load(), { rootMargin: "300px" });
    this.near.observe(this);
  }

  disconnectedCallback() {
    this.near.disconnect();
  }

  async load() {
    this.near.disconnect();
    const { items } = await api("GET", `/photos/${this.dataset.id}/similar?limit=${SHOWN}`).catch(() => ({ items: [] })); // the link stays
    if (!items.length) return;
    const line = (photo) => {
      const { id } = photo;
      const alt = altOf(fromItem(photo));
      return h("li", {}, h("a", { href: `/photo/${id}` }, h("img", { src: `/api/v1/photos/${id}/rendition/grid`, alt, loading: "lazy" })));
    };
    this.prepend(h("ul", { class: "thumbs" }, ...items.map(line)));
  }
}

customElements.define("similar-photos", SimilarPhotos);
