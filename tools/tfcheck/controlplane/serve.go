package controlplane

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// object is a decoded JSON object.
type object = map[string]any

// call is one request of the provider.
type call struct {
	c      *Cloud
	caller string
	method string
	// path is the service and the name, of a resource or of a collection: firestore/projects/P/databases.
	path string
	// verb is a custom method with its mark, :getIamPolicy or /setLabels; empty for the standard ones.
	verb  string
	query url.Values
	body  object
	// kind and name are of the resource: for a call that makes one, of what will be.
	kind *kind
	name string
}

// refusal is an error as Google answers it.
type refusal struct {
	code    int
	reason  string
	message string
}

func (e *refusal) Error() string { return e.message }

func refuse(code int, format string, args ...any) error {
	return &refusal{code: code, message: fmt.Sprintf(format, args...)}
}

func (c *Cloud) serve(w http.ResponseWriter, req *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.URL.Path == "/wait" {
		seconds, err := strconv.Atoi(req.URL.Query().Get("seconds"))
		if err != nil || req.Method != http.MethodPost {
			http.Error(w, "POST /wait?seconds=120", http.StatusBadRequest)
			return
		}
		c.state.Now += time.Duration(seconds) * time.Second
		return
	}
	r, err := c.read(req)
	var answer object
	if err == nil {
		answer, err = r.answer()
	}
	status := http.StatusOK
	if err != nil {
		status, answer = failure(err)
	}
	c.calls = append(c.calls, Call{req.Method, r.path + r.verb, status})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone needs no answer
}

// status is the canonical name of an HTTP status.
var statuses = map[int]string{
	400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS",
	412: "FAILED_PRECONDITION", 500: "INTERNAL", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE",
}

func failure(err error) (int, object) {
	var known *refusal
	if !errors.As(err, &known) {
		known = &refusal{code: http.StatusInternalServerError, message: err.Error()}
	}
	return known.code, object{"error": object{
		"code": known.code, "message": known.message, "status": statuses[known.code],
		"errors": []any{object{"reason": known.reason, "message": known.message}},
	}}
}

// version is what lies between a service and a name. Some of Google's clients append one
// to the endpoint, some have it there.
var version = regexp.MustCompile(`^((compute|dns|sql|upload|v[0-9]+((alpha|beta)[0-9]*)?)/)+`)

// upload is where the storage client sends contents.
const upload = "upload/storage/"

func (c *Cloud) read(req *http.Request) (*call, error) {
	path := strings.TrimPrefix(req.URL.EscapedPath(), "/")
	path = strings.TrimPrefix(path, "upload/")
	path = strings.ReplaceAll(path, "%3A", ":")
	service, rest, _ := strings.Cut(path, "/")
	rest = version.ReplaceAllString(rest, "")
	rest = strings.Replace(rest, "projects/"+Number+"/", "projects/"+c.project+"/", 1)
	name, verb, custom := strings.Cut(rest, ":")
	if custom {
		verb = ":" + verb
	}
	caller := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	r := &call{c: c, caller: caller, method: req.Method, path: service + "/" + name, verb: verb, query: req.URL.Query()}
	if req.Body == nil {
		return r, nil
	}
	content, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err == nil && content == "multipart/related" {
		return r, r.readUpload(req.Body, params["boundary"])
	}
	if err := json.NewDecoder(req.Body).Decode(&r.body); err != nil && !errors.Is(err, io.EOF) {
		return r, refuse(http.StatusBadRequest, "Invalid JSON payload received: %v", err)
	}
	return r, nil
}

// readUpload reads an object of storage: what it is, then its content.
func (r *call) readUpload(body io.Reader, boundary string) error {
	parts := multipart.NewReader(body, boundary)
	var content []byte
	for i := range 2 {
		part, err := parts.NextPart()
		if err != nil {
			return refuse(http.StatusBadRequest, "upload: part %d: %v", i+1, err)
		}
		if content, err = io.ReadAll(part); err != nil {
			return refuse(http.StatusBadRequest, "upload: part %d: %v", i+1, err)
		}
		if i == 0 {
			if err := json.Unmarshal(content, &r.body); err != nil {
				return refuse(http.StatusBadRequest, "upload: %v", err)
			}
		}
	}
	sum := md5.Sum(content)
	crc := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	_, _ = crc.Write(content) // never fails
	r.body["md5Hash"] = base64.StdEncoding.EncodeToString(sum[:])
	r.body["crc32c"] = base64.StdEncoding.EncodeToString(crc.Sum(nil))
	r.body["size"] = strconv.Itoa(len(content))
	return nil
}
