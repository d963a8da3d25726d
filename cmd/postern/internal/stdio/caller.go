package stdio

import (
	"encoding/json"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/config"
)

const (
	// ourPrefix is of what the command is told in _meta. Nothing that a client sends under
	// it goes on.
	ourPrefix = "dev.postern/"
	callerKey = ourPrefix + "caller"

	// theirPrefix is of what client and server of one message tell each other, which here
	// are not the client in front and the command. No logLevel goes on: the command says
	// all, and each caller gets what they asked for.
	theirPrefix = "io.modelcontextprotocol/"
)

// wireCaller tells who calls, by the names that a server behind has in its token
// (docs/upstream.md).
type wireCaller struct {
	Subject  string `json:"sub"`
	Login    string `json:"preferred_username,omitempty"`
	Email    string `json:"email,omitempty"`
	Name     string `json:"name,omitempty"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

// metaFor is what the command reads in the _meta of a message of c, whose own is sent.
func metaFor(c mcp.Caller, sent map[string]any) json.RawMessage {
	meta := map[string]any{}
	for key, value := range sent {
		if !strings.HasPrefix(key, ourPrefix) && !strings.HasPrefix(key, theirPrefix) {
			meta[key] = value
		}
	}
	meta[callerKey] = wireCaller{
		Subject: c.Person.Subject, Login: c.Person.Login, Email: c.Person.Email, Name: c.Person.Name,
		ClientID: c.ClientID, Scope: c.Scopes.String(),
	}
	return encode(meta)
}

// paramsFor are the params of a message of c as the command reads them.
func paramsFor(c mcp.Caller, p sdk.Params) (object, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	params := object{}
	if err := json.Unmarshal(raw, &params); err != nil {
		return nil, err
	}
	if params == nil { // there were none
		params = object{}
	}
	var sent map[string]any
	if meta, ok := params["_meta"]; ok {
		if err := json.Unmarshal(meta, &sent); err != nil {
			return nil, err
		}
	}
	params["_meta"] = metaFor(c, sent)
	return params, nil
}

// notTheirs are variables that systemd gives this process alone.
var notTheirs = []string{"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"}

// environment is that of this process without its settings, some of which are secret, and
// with the person, if the process is for one.
func environment(own []string, person *mcp.Caller) []string {
	env := slices.DeleteFunc(slices.Clone(own), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(notTheirs, name) || strings.HasPrefix(name, "POSTERN_") ||
			slices.ContainsFunc(config.Settings, func(s config.Setting) bool { return s.Name == name })
	})
	if person != nil {
		env = append(env, "POSTERN_SUBJECT="+person.Person.Subject, "POSTERN_LOGIN="+person.Person.Login)
	}
	return env
}
