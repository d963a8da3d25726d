// Package authorize is the authorization endpoint (RFC 6749 §3.1): it checks the
// request, asks the person on a page of its own, sends the browser to the identity
// provider, and issues the code when the same browser comes back.
//
//	GET  /authorize      check client and redirect URI first, then the rest; show the page
//	POST /authorize      the decision: deny goes back to the client, approve to the provider
//	GET  /auth/callback  the same browser, the person's identity, who may enter; the code
//	POST /auth/callback  the answer of the development sign-in form
//
// Nothing is stored before the callback. What must survive until then is a sealed
// [transaction] in the form and then in a cookie. What a token is, is the token
// function's business.
package authorize
