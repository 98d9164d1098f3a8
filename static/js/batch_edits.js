// Follows a job that edits many photos: its progress, a way to stop it, and a way back when it is done.
import { api } from "./api.js";
import { formatPercent, t } from "./i18n.js";
import { complain, lasting, toast } from "./toast.js";

const LOOK = 1000; // milliseconds between looks at the job

export function followEdits(job, count) {
  const undo = async () => {
    try {
      await api("DELETE", `/jobs/${job}/edits`);
      toast(t("edits.undone"));
    } catch (error) {
      complain(error);
    }
  };
  const stop = async () => {
    clearTimeout(timer);
    await undo();
  };
  const note = lasting(t("edits.running", { count }), t("edits.stop"), stop);
  const look = async () => {
    try {
      const now = await api("GET", `/jobs/${job}`);
      note.tell(`${t("edits.running", { count })} ${formatPercent(now.progress)}`, now.progress);
      if (!["ready", "running"].includes(now.state)) {
        note.close();
        if (now.state === "done") toast(t("edits.done", { count }), { action: t("undo"), run: undo, stay: 12_000 });
        else toast(t("edits.ended"), { stay: 9000 });
        return;
      }
    } catch (error) {
      if (error.status && error.status !== 429) {
        note.close();
        complain(error);
        return;
      }
    }
    timer = setTimeout(look, LOOK);
  };
  let timer = setTimeout(look, LOOK);
}
