// Package register lets clients register themselves and look after their
// registration.
//
//	POST   /register              a new client (RFC 7591 §3)
//	GET    /register/{client_id}  what is registered (RFC 7592 §2.1)
//	PUT    /register/{client_id}  replace all of it (RFC 7592 §2.2)
//	DELETE /register/{client_id}  end it and all that hangs from it (RFC 7592 §2.3)
//
// [oauth.ClientMetadata], which the other functions read too, decides what metadata may
// say; here empty values are only removed from it. A client id, a secret
// and a registration access token are made here and shown once: the store keeps
// hashes of them. Members that we do not know are dropped, software statements and
// names in other languages among them, and nothing is fetched.
//
// Anyone may register, and is believed in nothing: the consent page says so to the
// person, and a registration without a login expires.
package register
