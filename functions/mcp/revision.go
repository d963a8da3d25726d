package mcp

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// checkHeaders refuses a message whose headers and body do not agree on what is meant. Since
// revision 2026-07-28 a request says its revision in both, and its method and what that is about
// in headers too, for what stands between (SEP-2575, SEP-2243; MOD-07 to MOD-12).
func (v *view) checkHeaders(h http.Header, msg message) *problem {
	version := h.Get("Mcp-Protocol-Version")
	for name, values := range h {
		mirrors := name == "Mcp-Method" || name == "Mcp-Name" || strings.HasPrefix(name, "Mcp-Param-")
		if mirrors && len(values) > 1 {
			return mismatch("the header %s is repeated", name)
		}
	}
	for _, c := range msg.calls {
		said := unquote(c.revision)
		switch {
		case version < version20260728 && said == "":
			continue
		case version == "":
			return mismatch("the header Mcp-Protocol-Version is required beside %q", sdk.MetaKeyProtocolVersion)
		case said == "":
			return &problem{
				status: http.StatusBadRequest, code: jsonrpc.CodeInvalidParams,
				message: fmt.Sprintf("the member %q of _meta is missing, or no text", sdk.MetaKeyProtocolVersion),
			}
		case said != version:
			return mismatch("the header Mcp-Protocol-Version has %q and _meta has %q", version, said)
		case version < version20260728:
			continue
		}
		if p := v.checkSubject(h, c); p != nil {
			return p
		}
	}
	return nil
}

// checkSubject compares the method and what it is about.
func (v *view) checkSubject(h http.Header, c call) *problem {
	method, named := unquote(c.method), c.name
	if p := agree(h, "Mcp-Method", method); p != nil {
		return p
	}
	switch method {
	case "resources/read":
		named = c.uri
	case "tools/call", "prompts/get":
	default:
		return nil
	}
	if p := agree(h, "Mcp-Name", unquote(named)); p != nil {
		return p
	}
	if method != "tools/call" {
		return nil
	}
	return checkParams(h, v.params[unquote(named)], c.params)
}

// agree refuses a header that does not say what the body says.
func agree(h http.Header, name, body string) *problem {
	value := h.Get(name)
	if value == "" {
		return mismatch("the header %s is missing", name)
	}
	if meant, ok := decodeHeader(value); !ok || meant != body {
		return mismatch("the header %s has %q and the body has %q", name, short(value), short(body))
	}
	return nil
}

func mismatch(format string, args ...any) *problem {
	return &problem{
		status: http.StatusBadRequest, code: sdk.CodeHeaderMismatch, message: fmt.Sprintf(format, args...),
	}
}

// decodeHeader returns what a value means that may be in base64 (MOD-10), which it is between
// =?base64? and ?= alone.
func decodeHeader(value string) (meant string, ok bool) {
	inner, begins := strings.CutPrefix(value, "=?base64?")
	inner, ends := strings.CutSuffix(inner, "?=")
	if !begins || !ends {
		return value, true
	}
	text, err := base64.StdEncoding.Strict().DecodeString(inner)
	return string(text), err == nil && utf8.Valid(text) && !strings.ContainsAny(inner, "\r\n")
}
