import type { ReactNode } from 'react';

/** A sentence that does not shout: what is missing, and why. */
export function Quiet({ children }: { readonly children: ReactNode }) {
  return <p className="jp-green-quiet">{children}</p>;
}

/** A sentence that is read out when it comes. */
export function Problem({ children }: { readonly children: string | null }) {
  return (
    <p className="jp-green-problem" role="status" hidden={children === null}>
      {children}
    </p>
  );
}
