package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
)

// maxAnswer is the largest answer that is not a stream, in bytes. Cloud Functions lets
// 32 MB through.
const maxAnswer = 16 << 20

// check looks at an answer before it leaves, reports whether it is a stream, and returns a
// [Fault] for one that must not leave. What is not a stream is read to its end, so that a
// body that is cut short, too large, or something else than it says is told as that.
func check(res *http.Response, ids [][]byte) (stream bool, err error) {
	switch status := res.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		// To the client it would mean that its own token is bad, and a sign-in would not help.
		return false, badGateway(rejects, statusError(status))
	case status < 200, 300 <= status && status < 400: // another protocol, a redirect
		return false, badGateway("the server behind this one did not answer the call", statusError(status))
	case encoded(res.Header):
		return false, badGateway("the answer of the server behind this one is encoded", nil)
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media == "text/event-stream" && res.StatusCode == http.StatusOK {
		return true, nil
	}
	body, err := readWhole(res)
	if err != nil {
		return false, err
	}
	return false, checkWhole(res.StatusCode, media, body, ids)
}

func encoded(h http.Header) bool {
	e := h.Get("Content-Encoding")
	return e != "" && e != "identity"
}

// readWhole reads the body and puts it back.
func readWhole(res *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, badGateway("the answer of the server behind this one broke off", err)
	case len(body) > maxAnswer:
		return nil, badGateway("the answer of the server behind this one is too large", nil)
	}
	res.Body.Close()
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return body, nil
}

// checkWhole checks an answer that is not a stream. A refusal keeps its status, so that a
// client knows a lost session (404) or a server without streams (405) for what it is.
func checkWhole(status int, media string, body []byte, ids [][]byte) error {
	refused := 400 <= status && status < 500
	switch {
	case (refused || status < 300 && len(ids) == 0) && harmless(media, body):
		return nil
	case refused:
		return &Fault{status, fmt.Sprintf("the server behind this one answered %d", status), nil}
	case media != "application/json":
		return badGateway("the server behind this one did not answer in JSON-RPC", statusError(status))
	}
	if err := answersTo(body, ids); err != nil {
		return badGateway("the server behind this one did not answer in JSON-RPC", err)
	}
	return nil
}

// harmless reports whether a body is JSON, or a text that no browser takes for a page.
func harmless(media string, body []byte) bool {
	return len(body) == 0 || media == "text/plain" || media == "application/json" && json.Valid(body)
}

// A response is what is looked at of a JSON-RPC response.
type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
}

// answersTo checks that a body is a response to each of the requests, or several of them.
func answersTo(body []byte, ids [][]byte) error {
	responses := make([]response, 1)
	var err error
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		err = json.Unmarshal(body, &responses)
	} else {
		err = json.Unmarshal(body, &responses[0])
	}
	if err != nil {
		return err
	}
	if len(responses) != len(ids) {
		return fmt.Errorf("%d responses to %d requests", len(responses), len(ids))
	}
	left := append([][]byte(nil), ids...)
	for _, r := range responses {
		if r.Version != "2.0" || (r.Result == nil) == (r.Error == nil) {
			return errors.New("a message that is not a response")
		}
		i := indexOf(left, r.ID)
		if i < 0 {
			return errors.New("a response to another request")
		}
		left = append(left[:i], left[i+1:]...)
	}
	return nil
}

// indexOf finds an id whose value is that of id, however it is written.
func indexOf(ids [][]byte, id []byte) int {
	for i, other := range ids {
		if bytes.Equal(id, other) || reflect.DeepEqual(valueOf(id), valueOf(other)) {
			return i
		}
	}
	return -1
}

func valueOf(id []byte) (v any) {
	if json.Unmarshal(id, &v) != nil {
		return nil
	}
	return v
}

func statusError(status int) error { return fmt.Errorf("status %d", status) }

// An answer is where the reverse proxy writes. It has headers of its own, of which those
// of the list reach the caller; ours stay as they are.
type answer struct {
	http.ResponseWriter
	header http.Header
	status int
}

func newAnswer(w http.ResponseWriter) *answer {
	return &answer{ResponseWriter: w, header: http.Header{}}
}

// Header is the server's.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader passes over what comes before an answer, such as early hints (RFC 8297).
func (a *answer) WriteHeader(status int) {
	if status < 200 || a.status != 0 {
		return
	}
	a.status = status
	ours := a.ResponseWriter.Header()
	for _, name := range responseHeaders {
		if values := a.header[name]; len(values) == 1 {
			ours[name] = values
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// Flush sends what was written; headers leave with the first one.
func (a *answer) Flush() {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}
