package apply

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDeployFromGitHub: the example of a pipeline's way in is applied, and lets in one repository, its
// pull requests to look and its environment production to deploy. With what each is given, the account that plans
// plans and changes nothing, and the one that deploys does.
func TestDeployFromGitHub(t *testing.T) {
	t.Parallel()
	postern := fromNothing(t)
	d := newDeployment(t, postern.cloud)
	example := filepath.Join("..", "..", "..", "examples", "deploy-from-github")
	d.must(os.RemoveAll(filepath.Join(d.tmp, "terraform")))
	d.must(os.CopyFS(filepath.Join(d.tmp, "terraform"), os.DirFS(example)))
	d.forgetPersonal()
	d.set(`
project        = "acme-mcp"
repository     = "acme/postern"
repository_id  = "123456789"
state_location = "europe-west1"
`)
	d.apply()
	d.wantPlan()

	const pool = "iam/projects/acme-mcp/locations/global/workloadIdentityPools/github"
	const condition = `"attributeCondition": "assertion.repository_id == '123456789'"`
	if got := d.cloud.Resource(pool + "/providers/repository"); !strings.Contains(got, condition) {
		t.Errorf("the provider is\n%s\nwant the condition %s", got, condition)
	}
	var let []string
	for _, grant := range d.cloud.Grants() {
		if member, role, _ := strings.Cut(grant, " "); strings.HasPrefix(role, "roles/iam.workloadIdentityUser") {
			_, subject, _ := strings.Cut(member, "/subject/")
			let = append(let, subject+" as "+grant[strings.LastIndex(grant, "/")+1:])
		}
	}
	want := []string{
		"repo:acme/postern:environment:production as github-deploy@acme-mcp.iam.gserviceaccount.com",
		"repo:acme/postern:pull_request as github-plan@acme-mcp.iam.gserviceaccount.com",
	}
	if !slices.Equal(let, want) {
		t.Errorf("let in are\n\t%s\nwant\n\t%s", strings.Join(let, "\n\t"), strings.Join(want, "\n\t"))
	}

	d.cloud.Wait(grantsTake)
	postern.as = "serviceAccount:github-plan@acme-mcp.iam.gserviceaccount.com"
	postern.wantPlan()
	postern.set(settings + `log_level = "debug"`)
	if out, err := postern.tryApply(); err == nil || !strings.Contains(out, "roles/cloudfunctions.admin") {
		t.Errorf("an apply by the account that plans: %v\n%s\nwant a refusal that names roles/cloudfunctions.admin",
			err, errorsOf(out))
	}
	postern.as = "serviceAccount:github-deploy@acme-mcp.iam.gserviceaccount.com"
	postern.apply()
	postern.wantPlan()
}
