/**
 * Whether work ends before a timer that starts with it. Unlike a measured time, this also holds on a busy machine, which
 * delays the limits of the work as much as the timer.
 */
export async function endsWithin(milliseconds: number, work: () => Promise<unknown>): Promise<boolean> {
  let isInTime = true;
  const timer = setTimeout(() => {
    isInTime = false;
  }, milliseconds);
  await work();
  clearTimeout(timer);
  return isInTime;
}
