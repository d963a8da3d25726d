package controlplane

import (
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// keyName is the name of a key of Cloud KMS; what is in brackets is where it is.
var keyName = regexp.MustCompile(`^projects/[a-z0-9-]+/locations/([a-z0-9-]+)/keyRings/[\w-]+/cryptoKeys/[\w-]+$`)

// keyRole is what an account needs on a key to use it.
const keyRole = "roles/cloudkms.cryptoKeyEncrypterDecrypter"

// sealed are the kinds that a key of one's own can seal, and the services that use it then,
// each by its own account.
var sealed = []struct {
	collection string
	users      []string
}{
	{"artifactregistry/projects/*/locations/*/repositories", []string{"artifactregistry"}},
	{"cloudfunctions/projects/*/locations/*/functions", []string{
		"artifactregistry", "cloudfunctions", "eventarc", "run", "storage",
	}},
	{"eventarc/projects/*/locations/*", []string{"eventarc"}},
	{"firestore/projects/*/databases", []string{"firestore"}},
	{"secretmanager/projects/*/secrets", []string{"secretmanager"}},
	{"sqladmin/projects/*/instances", []string{"sqladmin"}},
	{"storage/b", []string{"storage"}},
}

// DemandKeys is the policy of an organisation that refuses what no key of its own seals.
func (c *Cloud) DemandKeys() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.KeysOnly = true
}

// keyRefused says why the key that a body names cannot seal it: it is not there, it is somewhere else, or the
// service may not use it, by a grant that has taken effect.
func keyRefused(r *call) error {
	for _, kind := range sealed {
		if ok, _ := path.Match(kind.collection, path.Dir(r.name)); !ok {
			continue
		}
		keys := keysIn(r.body)
		if len(keys) == 0 && r.c.state.KeysOnly {
			return refuse(http.StatusBadRequest, "Constraint constraints/gcp.restrictNonCmekServices violated for %s: "+
				"a key of Cloud KMS is required", r.local())
		}
		for _, key := range keys {
			if err := r.unsealable(key, kind.users); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *call) unsealable(key string, users []string) error {
	if r.c.state.Resources["cloudkms/"+key] == nil {
		return refuse(http.StatusNotFound, "CryptoKey %s not found", key)
	}
	where := keyName.FindStringSubmatch(key)[1]
	for _, place := range r.places() {
		if place != where {
			return refuse(http.StatusBadRequest, "the key %s is not in %s, where %s is", key, place, r.local())
		}
	}
	for _, user := range users {
		email := agent(user + ".googleapis.com")
		if !r.c.holds("serviceAccount:"+email, []string{keyRole}, "cloudkms/"+key) {
			return refuse(http.StatusForbidden, "Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on %s: "+
				"%s lacks %s", key, email, keyRole)
		}
	}
	return nil
}

// places are where something will be, as far as its name and body say.
func (r *call) places() []string {
	places := []string{
		r.location(), str(r.body, "locationId"), strings.ToLower(str(r.body, "location")), str(r.body, "region"),
	}
	for _, replica := range list(r.body, "replication", "userManaged", "replicas") {
		places = append(places, str(replica, "location"))
	}
	return slices.DeleteFunc(places, func(place string) bool { return place == "" })
}

// keysIn are the keys that a body names.
func keysIn(v any) []string {
	var keys []string
	switch v := v.(type) {
	case string:
		if keyName.MatchString(v) {
			keys = append(keys, v)
		}
	case []any:
		for _, item := range v {
			keys = append(keys, keysIn(item)...)
		}
	case object:
		for _, item := range v {
			keys = append(keys, keysIn(item)...)
		}
	}
	return keys
}

// imagesRefused: the images of a function with a key go into a repository of one's own, with that key.
func imagesRefused(r *call) error {
	key := str(r.body, "kmsKeyName")
	if key == "" {
		return nil
	}
	repository := str(r.body, "buildConfig", "dockerRepository")
	if str(r.c.state.Resources["artifactregistry/"+repository], "kmsKeyName") != key {
		return refuse(http.StatusBadRequest, "kmsKeyName requires a dockerRepository that %s seals, and it is %q",
			key, repository)
	}
	return nil
}
