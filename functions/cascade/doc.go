// Package cascade takes away what hangs from a deleted client or an ended grant. It is
// started by changes of documents, and nothing waits for it: what was revoked is
// revoked before any event of it is delivered.
//
//	event                      present state             what follows
//	clients/X                  X is gone                 its grants end, its unredeemed codes go
//	grants/G                   G lives, its client not   G ends
//	grants/G                   G ended, is gone or       its person is settled
//	                           cannot be opened
//	codes/C                    C is gone                 its person is settled
//	people/P                   P has another token       the one before is ended
//
// To settle a person is to end the upstream token if nothing needs it: no live grant
// and no code that can become one, of those that can be opened. It is revoked at the provider first and forgotten
// second, if it is still the one that is kept.
//
// An event is a hint to look. Nothing is decided by its content but the name of its
// document, whose it was if it is gone, and which token a person had before, which is sealed
// and ended only if it is not the one that is kept now; so an event may come twice,
// late, or after its successors, and the cascade may die between any two steps and be
// started again. What the cascade writes starts it again, too, and finds nothing to do.
//
// Nobody can say whether a token is needed while a sign-in is half complete, and an
// unredeemed code that expires changes no document. So [Cascade.Handle] returns an
// error then, and the platform delivers the event again; a code lives for a minute.
package cascade
