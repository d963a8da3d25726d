// Package cimd reads client ID metadata documents (draft-ietf-oauth-client-id-metadata-document,
// MCP 2025-11-25 Client Registration): a client whose client_id is an https URL
// publishes there what another client would register.
//
//	ParseID   is this a URL that may name a client
//	Fetcher   the document behind it: from the cache, or fetched and checked
//	Problem   why there is none, in words for the person and for the log
//
// The URL comes from anybody, so fetching it is the one call of this server whose
// target a stranger chooses. What may be dialled is decided in the dialer, about the
// very address that is dialled. Nothing that a document links to is fetched.
//
// Who the client is to the store and on the page is the caller's business.
package cimd
