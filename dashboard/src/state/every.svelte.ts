// What is asked again and again while somebody looks? Not while the page is hidden.

/** Reactive: call where a component begins. */
export function every(ms: number, act: () => void) {
  $effect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) act();
    }, ms);
    return () => clearInterval(timer);
  });
}
