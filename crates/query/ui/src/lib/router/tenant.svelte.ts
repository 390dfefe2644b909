// The tenant is in the address of what shows its lines, so that a link shows everybody the same.
import { untrack } from 'svelte';
import { session } from '$lib/api/session.svelte';
import { router } from './router.svelte';

/** Takes the tenant that the address names, or names the present one there. To be called while a page is set up. */
export function tenantInAddress(): void {
  $effect(() => {
    const named = router.query['tenant'];
    untrack(() => {
      if (named !== undefined) session.useTenant(named);
      else if (session.tenant !== '') router.patch({ tenant: session.tenant }, { replace: true });
    });
  });
}
