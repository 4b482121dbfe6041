// Shows an answer's Markdown as elements; text reaches the document as text nodes only.
import { memo } from 'preact/compat';
import type { JSX } from 'preact';
import { parseBlocks, parseInline, type Block, type Inline } from './parse-markdown.js';

/** Blocks that have not changed are not drawn again, so a long answer costs no more a token than a short one. */
export const Markdown = ({ text }: { readonly text: string }): JSX.Element => (
  <div class="markdown">
    {parseBlocks(text).map((block, i) => (
      <BlockView key={i} block={block} />
    ))}
  </div>
);

const BlockView = memo(
  ({ block }: { readonly block: Block }): JSX.Element => {
    switch (block.kind) {
      case 'heading':
        // The page's own headings come first; an answer's stand below them whatever their number.
        return <h3>{spans(block.text)}</h3>;
      case 'paragraph':
        return <p>{spans(block.text)}</p>;
      case 'quote':
        return <blockquote>{spans(block.text)}</blockquote>;
      case 'code':
        return (
          <pre tabIndex={0}>
            <code>{block.text}</code>
          </pre>
        );
      case 'list': {
        const items = block.items.map((item, i) => <li key={i}>{spans(item)}</li>);
        return block.isOrdered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
      }
    }
  },
  (before, after) => JSON.stringify(before.block) === JSON.stringify(after.block),
);

const spans = (text: string): JSX.Element[] => parseInline(text).map((part, i) => spanOf(part, i));

function spanOf({ kind, text }: Inline, key: number): JSX.Element {
  switch (kind) {
    case 'text':
      return <span key={key}>{text}</span>;
    case 'code':
      return <code key={key}>{text}</code>;
    case 'strong':
      return <strong key={key}>{text}</strong>;
    case 'emphasis':
      return <em key={key}>{text}</em>;
  }
}
