package oauthtest

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
)

// control answers POST /_control, a form whose field "do" names the knob:
//
//	do=rename&id=583231&login=new          Rename
//	do=join&org=acme&login=octocat         AddToOrg (state=active unless said)
//	do=join&org=acme&team=ops&login=…      AddToTeam
//	do=leave&org=acme&login=octocat        RemoveFromOrg
//	do=revoke&login=octocat                RevokeTokens
//	do=suspend&login=octocat               Suspend
//	do=delete&login=octocat                Delete
//	do=outage&path=/user&kind=…            Outage; kind is 500, drip, huge or redirect (with to=URL)
//	do=repair                              Repair
//	do=forget                              ForgetRequests
//	do=saw&value=…                         Saw; the answer is "true" or "false"
//	do=repository&login=octocat&name=…     AddRepository (description, readme; private=true; issue and body)
//	do=tokens&login=octocat                LiveTokens; the answer is a number
//
// GET /_control/requests gives [GitHub.Requests] as JSON. Neither is itself recorded.
func (g *GitHub) control(w http.ResponseWriter, r *http.Request) {
	f := r.PostFormValue
	login, org := f("login"), f("org")
	said := "ok"
	switch f("do") {
	case "rename":
		id, err := strconv.ParseInt(f("id"), 10, 64)
		if err != nil {
			http.Error(w, "id must be a number", http.StatusBadRequest)
			return
		}
		g.Rename(id, login)
	case "join":
		state := cmp.Or(f("state"), "active")
		if team := f("team"); team != "" {
			g.AddToTeam(org, team, login, state)
		} else {
			g.AddToOrg(org, login, state)
		}
	case "leave":
		g.RemoveFromOrg(org, login)
	case "revoke":
		g.RevokeTokens(login)
	case "suspend":
		g.Suspend(login)
	case "delete":
		g.Delete(login)
	case "outage":
		g.Outage(f("path"), faultOf(f("kind"), f("to")))
	case "repair":
		g.Repair()
	case "forget":
		g.ForgetRequests()
	case "saw":
		said = strconv.FormatBool(g.Saw(f("value")))
	case "repository":
		repo := Repository{
			Name: f("name"), Description: f("description"), Readme: f("readme"), Private: f("private") == "true",
		}
		if title := f("issue"); title != "" {
			repo.Issues = []Issue{{Title: title, Body: f("body")}}
		}
		g.AddRepository(login, repo)
	case "tokens":
		said = strconv.Itoa(g.LiveTokens(login))
	default:
		http.Error(w, "unknown value of do", http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, said)
}

func faultOf(kind, to string) Fault {
	switch kind {
	case "drip":
		return Fault{Drip: true}
	case "huge":
		return Fault{Huge: true}
	case "redirect":
		return Fault{Redirect: to}
	}
	return ServerError()
}

func (g *GitHub) controlRequests(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, append([]Request{}, g.Requests()...))
}
