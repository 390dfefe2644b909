// Who asks: the API token and the tenant. Kept for this tab only, in sessionStorage.

const TOKEN = 'turnstone.token';
const TENANT = 'turnstone.tenant';

function stored(key: string): string {
  try {
    return sessionStorage.getItem(key) ?? '';
  } catch {
    // Where the browser keeps nothing, the session lasts until the page is loaded again.
    return '';
  }
}

function store(key: string, value: string): void {
  try {
    if (value === '') sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // See above.
  }
}

class Session {
  /** Empty where the server needs none, or where nobody has signed in. */
  token = $state(stored(TOKEN));
  /** Empty for the shared tenant. */
  tenant = $state(stored(TENANT));
  /** The server has refused us: only the sign-in page helps. */
  refused = $state(false);
  /** Why, in the words of the server. */
  refusal = $state('');
  /** Rises whenever somebody else may be asking: what was read before is not theirs. */
  generation = $state(0);

  signIn(token: string, tenant: string): void {
    this.token = token;
    this.tenant = tenant;
    store(TOKEN, token);
    store(TENANT, tenant);
    this.refused = false;
    this.refusal = '';
    this.generation += 1;
  }

  /** Looks at what another tenant has; '' is the shared one. */
  useTenant(tenant: string): void {
    if (tenant === this.tenant) return;
    this.tenant = tenant;
    store(TENANT, tenant);
    this.generation += 1;
  }

  signOut(): void {
    this.signIn('', '');
    this.refused = true;
  }

  /** `token` is what the refused call was sent with: one that was sent before somebody signed in says nothing of them. */
  refuse(reason: string, token: string = this.token): void {
    if (token !== this.token) return;
    this.refused = true;
    this.refusal = this.token === '' ? '' : reason;
    this.token = '';
    store(TOKEN, '');
  }
}

export const session = new Session();
