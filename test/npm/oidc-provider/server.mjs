// oidc-provider with refresh tokens that rotate, over its own adapter in memory. Each token that
// is asked for at the start is printed on a line: node server.mjs PORT TOKENS
import Provider from 'oidc-provider';

const [port, count] = process.argv.slice(2).map(Number);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'bench', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1:33418/callback'],
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], application_type: 'native',
  }],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  features: { devInteractions: { enabled: false } },
});
const client = await provider.Client.find('bench');
const tokens = [];
for (let i = 0; i < count; i++) {
  const grant = new provider.Grant({ clientId: 'bench', accountId: 'octocat' });
  grant.addOIDCScope('openid offline_access');
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    client, accountId: 'octocat', grantId, scope: 'openid offline_access', gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1000), claims: {}, rotations: 0, iiat: Math.floor(Date.now() / 1000),
  });
  tokens.push(await token.save());
}
provider.listen(port, '127.0.0.1', () => tokens.forEach((t) => console.log(`token ${t}`)));
