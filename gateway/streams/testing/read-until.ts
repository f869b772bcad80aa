/** What comes of an answer until this text has come, or all of it; then it is left. */
export async function readUntil(answer: Response, text: string): Promise<string> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let all = "";
  while (reader && !all.includes(text)) {
    const { done, value } = await reader.read();
    if (done) return all;
    all += value;
  }
  await reader?.cancel();
  return all;
}
