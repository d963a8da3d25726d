package telemetry

import (
	"context"
	"log/slog"
)

// An Event is the fixed name of something that an operator may want to find,
// count or be woken by. docs/operations.md lists them.
type Event string

// The events. In their fields client_id is the id of a registered client or the URL of a
// CIMD client, and what is neither is "unknown"; grant and person are ids of documents,
// which are hashes. Never a credential, login or address of a person.
const (
	ClientRegistered       Event = "client.registered"
	ClientUpdated          Event = "client.updated"
	ClientDeleted          Event = "client.deleted"
	ClientAuthFailed       Event = "client.auth_failed"
	ClientAuthThrottled    Event = "client.auth_throttled"
	ClientDocumentBlocked  Event = "client.document_blocked"
	ConsentApproved        Event = "consent.approved"
	ConsentDenied          Event = "consent.denied"
	SignInCompleted        Event = "sign_in.completed"
	SignInFailed           Event = "sign_in.failed"
	SignInBindingFailed    Event = "sign_in.binding_failed"
	ConnectionsOpened      Event = "connections.opened"
	EntryRefused           Event = "entry.refused"
	SignOutReceived        Event = "sign_out.received"
	SignOutRefused         Event = "sign_out.refused"
	CodeRedeemed           Event = "code.redeemed"
	CodeReplayed           Event = "code.replayed"
	TokenRefreshed         Event = "token.refreshed"
	RefreshReused          Event = "refresh.reused"
	RefreshFastForwarded   Event = "refresh.fast_forwarded"
	GrantRevoked           Event = "grant.revoked"
	MembershipLost         Event = "membership.lost"
	EvidenceLost           Event = "evidence.lost"
	EvidenceExpired        Event = "evidence.expired"
	UpstreamTokenDropped   Event = "upstream_token.dropped"
	UpstreamTokenReplaced  Event = "upstream_token.replaced"
	KeysRingChanged        Event = "keys.ring_changed"
	KeysReloadFailed       Event = "keys.reload_failed"
	StoreMisplacedEnvelope Event = "store.misplaced_envelope"
	StoreUnreadableRecord  Event = "store.unreadable_record"
	StoreDatabaseMissing   Event = "store.database_missing"
)

// An EventInfo describes an [Event] for the log and for the documentation.
type EventInfo struct {
	Name  Event
	Level slog.Level
	// Fields are the keys that the event's line may carry besides request_id.
	Fields []string
	// Meaning is one or two sentences for the operator.
	Meaning string
}

// Events is every event, in the order of a connection's life.
var Events = []EventInfo{
	{ClientRegistered, slog.LevelInfo, []string{"client_id", "auth_method"}, "A client registered itself."},
	{ClientUpdated, slog.LevelInfo, []string{"client_id"}, "A client changed its registration."},
	{ClientDeleted, slog.LevelInfo, []string{"client_id", "by"},
		"A registration was deleted, by the client or an operator."},
	{ClientAuthFailed, slog.LevelWarn, []string{"client_id", "auth_method", "reason"},
		"A known client failed to prove who it is. Many in a row are a guess at its secret."},
	{ClientAuthThrottled, slog.LevelWarn, []string{"client_id"},
		"A source failed so often for a client that it has to wait. Other sources of that client do not."},
	{ClientDocumentBlocked, slog.LevelWarn, []string{"host", "error"},
		"A client_id led to an address that is not public. It was not dialled. " +
			"Somebody tries to look into the network, or a name server is wrong."},
	{ConsentApproved, slog.LevelInfo, []string{"client_id", "scope", "document"},
		"A person approved a client; document is the hash of the metadata that it published, if it does. " +
			"Nothing is granted before the sign-in is complete."},
	{ConsentDenied, slog.LevelInfo, []string{"client_id"}, "A person said no to a client."},
	{SignInBindingFailed, slog.LevelWarn, []string{"client_id", "reason"},
		"A sign-in came back in another browser than the one that approved, or not from our page. It was stopped."},
	{SignInFailed, slog.LevelWarn, []string{"client_id", "reason"},
		"The identity provider refused, or what it said did not hold."},
	{EntryRefused, slog.LevelWarn, []string{"client_id", "person", "reason"},
		"A person signed in whom ALLOW does not name."},
	{SignInCompleted, slog.LevelInfo, []string{"client_id", "person"}, "A person signed in and a code was issued."},
	{SignOutReceived, slog.LevelInfo, []string{"grants"},
		"The identity provider said that somebody signed out there; that many grants were ended."},
	{SignOutRefused, slog.LevelWarn, []string{"reason"},
		"Somebody sent a logout token that is not good. It ended nothing. Many are an attack, or another provider's."},
	{ConnectionsOpened, slog.LevelInfo, []string{"person"},
		"A person signed in to see their own connections. The ones that they end are grant.revoked, by person."},
	{CodeRedeemed, slog.LevelInfo, []string{"client_id", "grant"}, "A code became tokens."},
	{CodeReplayed, slog.LevelWarn, []string{"client_id", "grant"},
		"A code was presented again by the right client; its tokens are revoked."},
	{TokenRefreshed, slog.LevelDebug, []string{"client_id", "grant"}, "A refresh token was exchanged."},
	{RefreshReused, slog.LevelWarn, []string{"client_id", "grant"},
		"A refresh token was presented after its grace; its grant is revoked. Somebody else may hold a copy."},
	{RefreshFastForwarded, slog.LevelWarn, []string{"client_id", "grant", "generations"},
		"A genuine refresh token was newer than its grant, by that many generations: " +
			"the database was put back to an earlier time. The grant went forward to the token, which was exchanged."},
	{MembershipLost, slog.LevelWarn, []string{"client_id", "grant", "person", "reason"},
		"A person no longer meets ALLOW when a token is refreshed, or the account is suspended; the grant is revoked."},
	{EvidenceLost, slog.LevelWarn, []string{"client_id", "grant", "person", "reason", "until"},
		"The identity provider does not accept the token that it gave for a person, " +
			"or gives an answer that says nothing. The refresh is answered 503 and nothing ends; " +
			"after until the person has to sign in again. " +
			"Many at once are a wrong client id, or the provider's trouble."},
	{EvidenceExpired, slog.LevelWarn, []string{"client_id", "grant", "person", "reason"},
		"The last good answer about a person is older than EVIDENCE_MAX_AGE, the provider has ended what it gave " +
			"for them, or ALLOW needs a permission that they never gave: they have to sign in again. " +
			"The grant is not revoked."},
	{GrantRevoked, slog.LevelInfo, []string{"client_id", "grant", "by", "reason"}, "A grant ended before its time."},
	{UpstreamTokenDropped, slog.LevelInfo, []string{"person"},
		"The last grant of a person ended, and the token of the identity provider went with it."},
	{UpstreamTokenReplaced, slog.LevelInfo, []string{"person"},
		"A person signed in again, and the identity provider's token that the new one replaced was revoked. " +
			"An event that is delivered twice is written twice."},
	{KeysRingChanged, slog.LevelInfo, []string{"ring", "before", "after"},
		"A ring of keys was written, or was read and differs from the one before. Keys are named by fingerprint."},
	{KeysReloadFailed, slog.LevelWarn, []string{"ring", "kept", "error"},
		"A ring of keys could not be read or is malformed. The old one stays in use if there is one; kept says so."},
	{StoreMisplacedEnvelope, slog.LevelError, []string{"collection", "document", "error"},
		"A sealed record was found where it was not sealed for. Somebody moved it; it was not used."},
	{StoreUnreadableRecord, slog.LevelError, []string{"collection", "document", "error"},
		"A sealed record that no key of the ring opens was left out of " +
			"what had to be done with all records of a client or person. The rest was done."},
	{StoreDatabaseMissing, slog.LevelError, []string{"error"},
		"The database that STORE names is not there. Every request that needs it is answered 503; " +
			"the line is written once per process."},
}

// Audit writes the line of an event at the event's level, with the event's name
// as the message and as the field event, and counts it. An event that is not in
// [Events] is written as an error, so that it is not lost.
func Audit(ctx context.Context, log *slog.Logger, e Event, attrs ...slog.Attr) {
	level := slog.LevelError
	for _, i := range Events {
		if i.Name == e {
			level = i.Level
		}
	}
	if o := observerOf(ctx); o != nil {
		o.Count(ctx, e)
	}
	log.LogAttrs(ctx, level, string(e), append([]slog.Attr{slog.String("event", string(e))}, attrs...)...)
}
