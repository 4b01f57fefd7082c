package graphsim_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAUserHasAManagerWhoHasReports(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{})
	adeles, megans := o.Users()[adele].ID, o.Users()[megan].ID
	path := "/users/" + id + "/manager"
	o.refused(404, "does not exist", "GET", path, "")
	set := func(manager string) string {
		return `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + manager + `"}`
	}
	o.refused(404, "Resource 'nobody' does not exist", "PUT", path+"/$ref", set("nobody"))
	o.refused(400, "Invalid URL", "PUT", path+"/$ref", `{"@odata.id":"`+adeles+`"}`)
	require.Equal(t, 204, o.graph("PUT", path+"/$ref", set(adeles)).status)
	require.Equal(t, 204, o.graph("PUT", path+"/$ref", set(megans)).status, "in place of the one before")
	assert.Equal(t, map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryObjects/$entity", "@odata.type": "#microsoft.graph.user", "id": megans, "accountEnabled": true},
		o.graph("GET", path+"?$select=id,accountEnabled", "").json(t))
	reports := o.list("/users/" + megans + "/directReports?$select=id,onPremisesSyncEnabled")
	assert.Equal(t, []any{map[string]any{"@odata.type": "#microsoft.graph.user", "id": id, "onPremisesSyncEnabled": nil}}, reports)
	assert.Empty(t, o.list("/users/"+adeles+"/directReports"))
	assert.Equal(t, megans, o.Users()[lee].ManagerID)
}

func TestTheManagerOfASynchronisedUserIsSetInActiveDirectory(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.Add(graphsim.User{UserPrincipalName: lee, OnPremisesSyncEnabled: true})
	o.refused(400, "on-premises mastered", "PUT", "/users/"+id+"/manager/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/`+o.Users()[adele].ID+`"}`)
	assert.Empty(t, o.Users()[lee].ManagerID)
}

func TestReadsOfAManagerLag(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{})
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	require.Equal(t, 204, o.graph("PUT", "/users/"+id+"/manager/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/`+o.Users()[adele].ID+`"}`).status)
	o.refused(404, "does not exist", "GET", "/users/"+id+"/manager", "")
	assert.Empty(t, o.list("/users/"+o.Users()[adele].ID+"/directReports"))
	o.Configure(graphsim.Settings{})
	assert.Equal(t, 200, o.graph("GET", "/users/"+id+"/manager", "").status)
}
