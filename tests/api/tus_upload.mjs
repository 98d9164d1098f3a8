// Uploads a file with tus-js-client and prints the photo it became: node tus_upload.mjs ENDPOINT TOKEN FILE CHUNK
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { Upload } from "tus-js-client";

const [endpoint, token, file, chunk] = process.argv.slice(2);
let photo = null;
const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  uploadSize: statSync(file).size,
  chunkSize: Number(chunk),
  retryDelays: Array(40).fill(50),
  metadata: { filename: basename(file) },
  onAfterResponse: (_request, response) => {
    photo = response.getHeader("Albumen-Photo") ?? photo;
  },
  onSuccess: () => console.log(photo),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
});
upload.start();
