// Package edge is what every function has in front: what a request must look like before a
// handler sees it, which handler that is, and how errors leave.
//
//	Wrap         id, recover, one log line, issuer, credential header, address, CORS, what
//	             comes before the body, body limit, security headers
//	Mux          exact paths; 404 and 405; preflights
//	JSONErrors   BearerErrors                how an error leaves; pages has its own way
//
// What an error means over HTTP is httperr's business, how a form, query or JSON body is
// read is strict's. The package decides nothing about OAuth.
package edge
