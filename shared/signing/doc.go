// Package signing signs and verifies what others must be able to check: JWTs
// under ES256 (RFC 7518 §3.4), the keys for it, their ids (RFC 7638) and the
// JWK Set that publishes them (RFC 7517).
//
// It owns keys, algorithm and the form of a JWS. What the claims say, whether a
// token has expired and for whom it is, is for accesstoken.
//
//	Ring    private; the first key signs   read by the token endpoint alone
//	KeySet  public; all verify             served as the JWKS, read by /mcp
//
// There is one algorithm, a constant. A token's header chooses nothing but the
// key, by an id that is looked up in memory.
package signing
