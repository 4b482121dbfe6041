// Every reader of the server and what it does.
import type { JSX } from 'preact';
import { address, reachability, status } from '../server/server.js';
import { describeReader } from '../server/reader-summary.js';
import { Dialog } from './dialog.js';

export const ReadersDialog = ({ onClose }: { readonly onClose: () => void }): JSX.Element => {
  const reached = reachability.value;
  const readers = status.value?.readers ?? [];
  return (
    <Dialog title="Server" onClose={onClose}>
      <p class="quiet">
        {address}
        {status.value === null ? '' : `, version ${status.value.version}`}
      </p>
      {reached.kind === 'unreachable' ? <p class="refusal">{reached.reason}</p> : null}
      <ul class="readers">
        {readers.map((reader) => (
          <li key={reader.reader_id}>
            <strong>{reader.model_name}</strong>
            <span class="quiet"> in group {reader.consumer_groups.join(', ')}</span>
            <p>{describeReader(reader)}</p>
            {reader.state === 'loading' ? (
              <progress
                aria-label="Loading"
                {...(reader.fraction === undefined ? {} : { value: reader.fraction })}
              />
            ) : null}
          </li>
        ))}
      </ul>
    </Dialog>
  );
};
