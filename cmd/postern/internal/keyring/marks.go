package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A mark is what a ring remembers of one key.
type mark struct {
	// Staged is when the key came into the ring.
	Staged time.Time `json:"staged,omitzero"`
	// Promoted is when the key last became the first; zero for one that never was.
	Promoted time.Time `json:"promoted,omitzero"`
	// Replaced is when another key took its place; zero while it is the first.
	Replaced time.Time `json:"replaced,omitzero"`
}

// marks are those of a ring's keys, by name. A ring that was made by other means has
// none.
type marks map[string]mark

// member is the name under which marks stand in a ring.
const member = "postern"

var commentPrefix = []byte("# " + member + " ")

// withComment puts marks before a Fernet ring, as a line that its readers skip.
func withComment(ring []byte, m marks) []byte {
	line, err := json.Marshal(m)
	if err != nil {
		panic("keyring: " + err.Error()) // strings and times
	}
	return fmt.Appendf(nil, "%s%s\n%s", commentPrefix, line, ring)
}

// commentMarks returns the marks that [withComment] wrote, if any.
func commentMarks(data []byte) (marks, error) {
	for line := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(line, commentPrefix); ok {
			return parseMarks(rest)
		}
	}
	return marks{}, nil
}

// withMember puts marks into a JWK Set, as a member that its readers ignore (RFC 7517
// §5). It is not published: what is served is formatted anew.
func withMember(set []byte, m marks) []byte {
	var whole map[string]json.RawMessage
	err := json.Unmarshal(set, &whole)
	if err == nil {
		whole[member], err = json.Marshal(m)
	}
	data, err2 := json.Marshal(whole)
	if err := errors.Join(err, err2); err != nil {
		panic("keyring: " + err.Error()) // a JWK Set that package signing wrote
	}
	return append(data, '\n')
}

// memberMarks returns the marks that [withMember] wrote, if any.
func memberMarks(data []byte) (marks, error) {
	var set struct {
		Marks json.RawMessage `json:"postern"`
	}
	if err := json.Unmarshal(data, &set); err != nil || len(set.Marks) == 0 {
		return marks{}, nil // no JWK Set at all is for its own parser to say
	}
	return parseMarks(set.Marks)
}

func parseMarks(data []byte) (marks, error) {
	m := marks{}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, errors.New("its line about when each key was staged and promoted is damaged: " +
			"remove it to go on without")
	}
	return m, nil
}
