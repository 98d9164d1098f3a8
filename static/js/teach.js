// Teaching a tag: give it a name and the selected photos as examples, then look at what it found.
import { api } from "./api.js";
import { askName } from "./batch_ask.js";
import { formatNumber, t } from "./i18n.js";
import { toast } from "./toast.js";
import { loadTags, matchTags } from "./words.js";

const MOST = 500;

/** Ask for the name and teach; resolves true when it was done. The page then shows what was found. */
export async function teach(ids) {
  if (ids.length > MOST) {
    toast(t("batch.too_many", { count: MOST }));
    return false;
  }
  const own = (await loadTags()).filter((tag) => tag.own);
  const offers = async (text) => matchTags(own, text.trim()).map((tag) => ({ label: tag.name, kind: tag.count ? formatNumber(tag.count) : "" }));
  const name = await askName(t("teach.title", { count: ids.length }), t("teach.go"), offers, t("teach.hint"));
  if (!name) return false;
  const taught = await api("POST", "/tags", { name, examples: ids });
  location.assign(`/tag/${encodeURIComponent(taught.slug)}/review`);
  return true;
}
