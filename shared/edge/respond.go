package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// JSON answers with v as JSON. It sets Content-Type and leaves other headers
// alone; [Wrap] has set Cache-Control: no-store. An error means that v cannot be
// encoded and nothing was written.
func JSON(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller left; nobody is there to tell
	return nil
}
