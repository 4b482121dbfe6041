// A file as an image, where it is one.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Holds the image in memory while it is drawn. */
export const Thumbnail = ({ file }: { readonly file: File }): JSX.Element => {
  const image = useRef<HTMLImageElement>(null);
  useEffect(() => {
    const url = URL.createObjectURL(file);
    if (image.current !== null) image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [file]);
  // What is no image has no thumbnail.
  const hide = (): void => {
    if (image.current !== null) image.current.hidden = true;
  };
  return <img ref={image} alt="" decoding="async" onError={hide} />;
};
