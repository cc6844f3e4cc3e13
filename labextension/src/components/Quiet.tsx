import type { ReactNode } from 'react';

/** A sentence that does not shout: what is missing, and why. */
export function Quiet({ children }: { readonly children: ReactNode }) {
  return <p className="jp-green-quiet">{children}</p>;
}

/** A sentence that is read out when it comes, and is no problem. */
export function Told({ children }: { readonly children: string | null }) {
  return (
    <p className="jp-green-quiet" role="status" hidden={children === null}>
      {children}
    </p>
  );
}

/** What went wrong, in a sentence that is read out when it comes. */
export function Problem({ children }: { readonly children: string | null }) {
  return (
    <p className="jp-green-problem" role="status" hidden={children === null}>
      {children}
    </p>
  );
}
