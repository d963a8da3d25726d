package parts

import (
	"bytes"
	"errors"
	"unicode"

	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/upstream"
)

// Groups returns what MCP servers behind this one ask about people.
func Groups(r *config.Reader) upstream.Groups {
	groups, err := upstream.ParseGroups(behind.Groups(r))
	if err != nil {
		r.Refuse("MCP_UPSTREAMS", "or MCP_UPSTREAM_OPTIONS has a group that is no rule as in ALLOW: %s", err)
	}
	return groups
}

// HeaderFile returns the value of a header that is in a file, without white space around it.
func HeaderFile(env *boot.Env, r *config.Reader, path string) *keyfile.File[credential.Secret] {
	return keyfile.New(path, parseValue, options(path, env, r))
}

// parseValue takes one line, which may have spaces in it.
func parseValue(data []byte) (credential.Secret, error) {
	s := bytes.TrimSpace(data)
	if len(s) == 0 || bytes.ContainsFunc(s, unicode.IsControl) {
		return credential.Secret{}, errors.New("want the value of a header alone, in one line")
	}
	return credential.Wrap(string(s)), nil
}
