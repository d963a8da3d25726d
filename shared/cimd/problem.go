package cimd

// A Kind says whose problem it is.
type Kind int

// The kinds of problems.
const (
	// Refused: this server does not take the id, or no id of its host.
	Refused Kind = iota + 1
	// Unreadable: the host did not answer with the document. It may later.
	Unreadable
	// Malformed: the document is there and does not describe a client of this server.
	Malformed
	// Busy: too many documents are being fetched, of this host or altogether.
	Busy
)

// A Problem is why there is no document. It says nothing about the network behind the
// server: an address that may not be dialled reads like one where nobody listens (SF-12).
type Problem struct {
	Kind Kind
	Host string // of the id, as written; empty if it has none
	// Says is a sentence for the person, of our own words: without capital and full stop.
	Says  string
	Cause error // for the log; may be nil
}

// Error returns the sentence and the cause, for a log.
func (p *Problem) Error() string {
	s := "client metadata document: " + p.Says
	if p.Cause != nil {
		s += ": " + p.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }
