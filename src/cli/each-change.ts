/**
 * Does something again whenever something has come.
 *
 * Guarantee: `work` is done at once, once more after the first pause (what came while the stream was opened), and then after
 * each change, at most once a pause; what comes meanwhile is read, so nobody has to keep it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "./errors.ts";

/**
 * @param work true: that was all
 * @throws CliError E_DAEMON_LOST when the changes end
 */
export async function eachChange(
  changes: AsyncIterable<unknown>,
  work: () => Promise<boolean>,
  pauseMs = 1000,
): Promise<void> {
  let isNew = false;
  let end = null as { error: unknown } | null;
  let wake = () => {};
  const read = async () => {
    for await (const _ of changes) {
      isNew = true;
      wake();
    }
  };
  const lost = new CliError(
    "E_DAEMON_LOST",
    "expected the record to go on, found that the daemon stopped",
    "`csn status` shows whether it runs",
  );
  const endWith = (error: unknown) => {
    end = { error };
    wake();
  };
  void read().then(() => endWith(lost), endWith);
  if (await work()) return;
  await sleep(pauseMs);
  for (;;) {
    isNew = false;
    if (await work()) return;
    await sleep(pauseMs);
    if (!isNew && end === null)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    if (!isNew && end !== null) throw end.error;
  }
}
