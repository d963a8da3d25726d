package rig

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// RedirectURI is where an [App] wants the answer. Nobody listens there: the browser
// stops in front of it.
const RedirectURI = "http://127.0.0.1:33418/callback"

// An App is a client program written in plain HTTP, for requests that no library
// sends just so. Its zero fields other than Origin are filled in by Register.
type App struct {
	Origin string // of the server
	HTTP   *http.Client

	Redirect     string // registered redirect URI
	ID, Secret   string
	ManageToken  string // registration_access_token (RFC 7592)
	Method       string // token_endpoint_auth_method
	Scope        string
	Resource     string
	AccessToken  string
	RefreshToken string
}

// NewApp returns a public client of s that has yet to register.
func NewApp(s *Server) *App {
	return &App{Origin: s.URL, HTTP: s.Client(), Redirect: RedirectURI, Method: "none", Scope: "mcp", Resource: s.MCP}
}

// A Refusal is an answer other than success.
type Refusal struct {
	Status int
	Code   string // error member, if there is one
	Body   string
}

func (r *Refusal) Error() string { return fmt.Sprintf("status %d: %s", r.Status, r.Body) }

// Register registers the client with the given metadata; nil means the App's own.
func (a *App) Register(ctx context.Context, metadata map[string]any) error {
	if metadata == nil {
		metadata = map[string]any{
			"client_name": "App", "redirect_uris": []string{a.Redirect}, "token_endpoint_auth_method": a.Method,
		}
	}
	body, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	var client struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
		Method string `json:"token_endpoint_auth_method"`
		Manage string `json:"registration_access_token"`
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if err := a.send(ctx, "/register", header, body, &client); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	a.ID, a.Secret, a.Method, a.ManageToken = client.ID, client.Secret, client.Method, client.Manage
	return nil
}

// SignIn lets login approve and sign in with the browser, and redeems the code.
func (a *App) SignIn(ctx context.Context, b *oauthtest.Browser, login string) error {
	code, verifier, err := a.Authorize(ctx, b, login)
	if err != nil {
		return err
	}
	return a.Redeem(ctx, code, verifier)
}

// Authorize is the part of SignIn in the browser. It checks state and iss.
func (a *App) Authorize(ctx context.Context, b *oauthtest.Browser, login string) (code, verifier string, err error) {
	address, verifier, state := a.AuthorizeURL()
	back, err := b.Walk(ctx, address, login)
	if err != nil {
		return "", "", err
	}
	q := back.Query()
	if code = q.Get("code"); code == "" || q.Get("state") != state || q.Get("iss") != a.Origin {
		return "", "", fmt.Errorf("authorize: got error %q, iss %q; want a code, the state and iss %q",
			q.Get("error"), q.Get("iss"), a.Origin)
	}
	return code, verifier, nil
}

// AuthorizeURL is what the App would open in a browser, with its verifier and state.
func (a *App) AuthorizeURL() (address, verifier, state string) {
	verifier, state = rand.Text()+rand.Text(), rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {a.ID}, "redirect_uri": {a.Redirect}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if a.Scope != "" {
		q.Set("scope", a.Scope)
	}
	if a.Resource != "" {
		q.Set("resource", a.Resource)
	}
	return a.Origin + "/authorize?" + q.Encode(), verifier, state
}

// Redeem exchanges a code for tokens.
func (a *App) Redeem(ctx context.Context, code, verifier string) error {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {a.Redirect},
	}
	if a.Resource != "" {
		form.Set("resource", a.Resource)
	}
	return a.Token(ctx, form)
}

// Refresh exchanges the refresh token for tokens.
func (a *App) Refresh(ctx context.Context) error {
	return a.Token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.RefreshToken}})
}

// Token sends a token request with the App's authentication and keeps the tokens. The
// error is a *[Refusal] if the server said no.
func (a *App) Token(ctx context.Context, form url.Values) error {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	form = maps.Clone(form)
	switch a.Method {
	case "client_secret_basic":
		pair := url.QueryEscape(a.ID) + ":" + url.QueryEscape(a.Secret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case "client_secret_post":
		form.Set("client_id", a.ID)
		form.Set("client_secret", a.Secret)
	default:
		form.Set("client_id", a.ID)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
	}
	if err := a.send(ctx, "/token", header, []byte(form.Encode()), &tokens); err != nil {
		return fmt.Errorf("%s: %w", form.Get("grant_type"), err)
	}
	if tokens.Access == "" || tokens.Type != "Bearer" || tokens.Expires <= 0 {
		return fmt.Errorf("%s: got type %q, expires_in %d; want a Bearer token that lives",
			form.Get("grant_type"), tokens.Type, tokens.Expires)
	}
	a.AccessToken = tokens.Access
	if tokens.Refresh != "" {
		a.RefreshToken = tokens.Refresh
	}
	return nil
}

// Revoke revokes the refresh token, and with it the grant.
func (a *App) Revoke(ctx context.Context) error {
	form := url.Values{"token": {a.RefreshToken}, "client_id": {a.ID}}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return a.send(ctx, "/revoke", header, []byte(form.Encode()), nil)
}

// Modern is the revision without a handshake.
const Modern = "2026-07-28"

// RPC calls a method of MCP in the given revision and decodes the result.
func (a *App) RPC(ctx context.Context, revision, method string, params map[string]any, result any) error {
	header := http.Header{
		"Content-Type":  {"application/json"},
		"Accept":        {"application/json, text/event-stream"},
		"Authorization": {"Bearer " + a.AccessToken},
	}
	if method != "initialize" {
		header.Set("MCP-Protocol-Version", revision)
	}
	if revision == Modern {
		header.Set("Mcp-Method", method)
		if name, ok := params["name"].(string); ok {
			header.Set("Mcp-Name", name)
		}
		params = maps.Clone(params)
		params["_meta"] = map[string]any{
			"io.modelcontextprotocol/protocolVersion":    revision,
			"io.modelcontextprotocol/clientInfo":         map[string]any{"name": "app", "version": "1"},
			"io.modelcontextprotocol/clientCapabilities": map[string]any{},
		}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := a.send(ctx, "/mcp", header, body, &answer); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("%s: error %s", method, answer.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// Whoami opens MCP as clients of that revision do, calls the tool whoami and returns the
// login it names.
func (a *App) Whoami(ctx context.Context, revision string) (string, error) {
	var err error
	if revision == Modern {
		err = a.RPC(ctx, revision, "server/discover", map[string]any{}, nil)
	} else {
		err = a.RPC(ctx, revision, "initialize", map[string]any{
			"protocolVersion": revision, "capabilities": map[string]any{},
			"clientInfo": map[string]any{"name": "app", "version": "1"},
		}, nil)
	}
	if err != nil {
		return "", err
	}
	var result struct {
		IsError bool `json:"isError"`
		Content struct {
			Login string `json:"login"`
		} `json:"structuredContent"`
	}
	err = a.RPC(ctx, revision, "tools/call", map[string]any{"name": "whoami", "arguments": map[string]any{}}, &result)
	if err == nil && result.IsError {
		err = fmt.Errorf("whoami: the tool failed")
	}
	return result.Content.Login, err
}

// send posts body and decodes a 2xx answer, the last event of it if it is a stream.
func (a *App) send(ctx context.Context, path string, header http.Header, body []byte, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Origin+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = header
	resp, err := a.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		var problem struct {
			Error any `json:"error"`
		}
		_ = json.Unmarshal(data, &problem) // not every refusal is JSON
		code, _ := problem.Error.(string)
		return &Refusal{resp.StatusCode, code, string(data)}
	}
	if into == nil {
		return nil
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		data = lastEvent(data)
	}
	return json.Unmarshal(data, into)
}

func lastEvent(stream []byte) []byte {
	lines := bytes.Split(stream, []byte("\n"))
	for _, line := range slices.Backward(lines) {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			return data
		}
	}
	return nil
}
