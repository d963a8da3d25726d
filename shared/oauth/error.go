package oauth

import "fmt"

// An ErrorCode is an error code spelled as it is registered.
type ErrorCode string

// Error codes of the endpoints.
const (
	InvalidRequest          ErrorCode = "invalid_request"           // RFC 6749 §4.1.2.1, §5.2
	InvalidClient           ErrorCode = "invalid_client"            // RFC 6749 §5.2
	InvalidGrant            ErrorCode = "invalid_grant"             // RFC 6749 §5.2
	UnauthorizedClient      ErrorCode = "unauthorized_client"       // RFC 6749 §4.1.2.1, §5.2
	UnsupportedGrantType    ErrorCode = "unsupported_grant_type"    // RFC 6749 §5.2
	UnsupportedResponseType ErrorCode = "unsupported_response_type" // RFC 6749 §4.1.2.1
	InvalidScope            ErrorCode = "invalid_scope"             // RFC 6749 §4.1.2.1, §5.2
	InvalidTarget           ErrorCode = "invalid_target"            // RFC 8707 §2
	AccessDenied            ErrorCode = "access_denied"             // RFC 6749 §4.1.2.1
	ServerError             ErrorCode = "server_error"              // RFC 6749 §4.1.2.1
	TemporarilyUnavailable  ErrorCode = "temporarily_unavailable"   // RFC 6749 §4.1.2.1
	UnsupportedTokenType    ErrorCode = "unsupported_token_type"    // RFC 7009 §2.2.1
	InvalidRedirectURI      ErrorCode = "invalid_redirect_uri"      // RFC 7591 §3.2.2
	InvalidClientMetadata   ErrorCode = "invalid_client_metadata"   // RFC 7591 §3.2.2
	InvalidToken            ErrorCode = "invalid_token"             // RFC 6750 §3.1
	InsufficientScope       ErrorCode = "insufficient_scope"        // RFC 6750 §3.1
	LoginRequired           ErrorCode = "login_required"            // OpenID Connect Core §3.1.2.6
	RequestNotSupported     ErrorCode = "request_not_supported"     // OpenID Connect Core §3.1.2.6
	RequestURINotSupported  ErrorCode = "request_uri_not_supported" // OpenID Connect Core §3.1.2.6
)

// An Error is a refusal that the client is meant to read. Functions return it as
// error; look for it with errors.AsType[*Error].
type Error struct {
	Code ErrorCode
	// Description is for the client's developer and says what to change. It is
	// printable ASCII without " and \ (RFC 6749 §5.2); [Refuse] sees to that.
	Description string
	// Cause is for our log only. No writer ever sends it.
	Cause error
}

// Error returns the code, the description and the cause, for a log.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Description
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Refuse returns an [*Error]. The description is a format for args; what the
// grammar of RFC 6749 §5.2 excludes is replaced: " by ', all else by ?.
func Refuse(code ErrorCode, description string, args ...any) error {
	if len(args) > 0 {
		description = fmt.Sprintf(description, args...)
	}
	return &Error{Code: code, Description: Printable(description)}
}

// RefuseBecause is [Refuse] with a cause for the log.
func RefuseBecause(cause error, code ErrorCode, description string) error {
	return &Error{Code: code, Description: Printable(description), Cause: cause}
}

// Printable maps s into %x20-21 / %x23-5B / %x5D-7E, at most 500 bytes: all that an
// error_description may hold (RFC 6749 §5.2), and safe between quotes in a header.
func Printable(s string) string {
	b := []byte(s)
	if len(b) > 500 {
		b = b[:500]
	}
	for i, c := range b {
		switch {
		case c == '"' || c == '\\':
			b[i] = '\''
		case c < 0x20 || c > 0x7e:
			b[i] = '?'
		}
	}
	return string(b)
}
