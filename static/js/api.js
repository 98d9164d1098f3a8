// Calls to the REST API with the browser's session. Errors carry the problem document of the server.
import { language, t } from "./i18n.js";

export const csrf = document.querySelector('meta[name="csrf-token"]').content;

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? String(status));
    this.status = status;
    this.problem = problem;
  }
}

/** The error a failed answer stands for, whatever its body is. */
export function problemOf(status, text) {
  try {
    return new ApiError(status, JSON.parse(text));
  } catch {
    return new ApiError(status, {});
  }
}

/** Call the API: `api("GET", "/photos")`. Gives the JSON answer, or null where there is none. */
export async function api(method, path, body = undefined, { signal } = {}) {
  const headers = { "X-CSRF-Token": csrf, "Accept-Language": language, Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    const address = path.startsWith("/api/") || path.startsWith("/search/") ? path : `/api/v1${path}`;
    answer = await fetch(address, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { detail: t("offline") });
  }
  const text = await answer.text();
  if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  if (!answer.ok) throw problemOf(answer.status, text);
  return text ? JSON.parse(text) : null;
}
