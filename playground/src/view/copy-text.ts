// Puts a text into the clipboard.

/** Browsers have `navigator.clipboard` for pages from this machine or over HTTPS, and for all others the command of old. */
export function copyText(text: string): void {
  if (isSecureContext) void navigator.clipboard.writeText(text);
  else copyByCommand(text);
}

function copyByCommand(text: string): void {
  const onCopy = (event: ClipboardEvent): void => {
    event.clipboardData?.setData('text/plain', text);
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener('copy', onCopy, { capture: true, once: true });
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- nothing took its place for pages over plain HTTP
  document.execCommand('copy');
  document.removeEventListener('copy', onCopy, { capture: true });
}
