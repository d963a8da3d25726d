// Package web is the edge that every function shares: what a request must look
// like before a handler sees it, and how answers and errors leave.
//
//	Wrap        id, recover, one log line, issuer, credential header, address,
//	            CORS, what comes before the body, body limit, security headers
//	Mux         exact paths; 404 and 405
//	ReadForm    one meaning or an error      Query, ReadJSON, DecodeJSON likewise
//	JSONErrors  PageErrors  BearerErrors     the three ways an error leaves
//	Page        html/template under one strict policy
//
// An error is a refusal ([oauth.Error], a status by the table here) or a fault
// of ours, which leaves as 503 temporarily_unavailable with Retry-After and its
// cause in the log only. The package decides nothing about OAuth.
package web
