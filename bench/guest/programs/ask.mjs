// Asks a server for some paths, many at a time, and prints the answers in the order of the questions.
export async function askAll(origin, paths, times = 5) {
  const asked = Array.from({ length: times }, () => paths).flat();
  const answers = await Promise.all(
    asked.map(async (path) => {
      const answer = await fetch(origin + path);
      return `${path} ${answer.status} ${answer.headers.get("content-type")} ${await answer.text()}`;
    }),
  );
  for (const answer of answers) console.log(answer);
}
