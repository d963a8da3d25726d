// Package authorize is the authorization endpoint (RFC 6749 §3.1): it checks the
// request, asks the person on a page of its own, sends the browser to the identity
// provider, and issues the code when the same browser comes back.
//
//	GET  /authorize      the request is checked and the person asked
//	                     authorize.go → request.go → client.go → consent.go
//	POST /authorize      the decision: deny goes back to the client, approve to the provider
//	                     decision.go
//	GET  /auth/callback  the same browser, the person's identity, who may enter; the code
//	                     callback.go → person.go → code.go
//	POST /connections/sign-in
//	                     a person wants to see their own page: to the provider and back
//	                     visit.go → callback.go
//	POST /auth/callback  the answer of a sign-in form of our own
//	                     sign_in.go → callback.go
//
// Nothing is stored before the callback. What must survive until then is a sealed
// [transaction] in the form and then in a cookie (transaction.go, cookie.go). A handler
// answers, or returns an error and has written nothing: errors.go has those that bring a
// page of their own. What a token is, is the token function's business.
package authorize
