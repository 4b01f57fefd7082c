package graphsim_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const password = "Correct-Horse-7"

func passwordProfile(password string) string {
	return `{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"` + password + `"}}`
}

func TestThatAPasswordWasChangedIsAllThatTheTenantKeeps(t *testing.T) {
	t.Parallel()
	var record bytes.Buffer
	o := newOffice(t, &record)
	id := o.Add(graphsim.User{UserPrincipalName: lee})
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	shown := func() any {
		return o.graph("GET", "/users/"+id+"?$select=lastPasswordChangeDateTime", "").json(t)["lastPasswordChangeDateTime"]
	}
	before := shown()
	require.Equal(t, 204, o.graph("PATCH", "/users/"+id, passwordProfile(password)).status)
	assert.Equal(t, before, shown())
	o.Configure(graphsim.Settings{})
	assert.NotEqual(t, before, shown())
	kept, err := json.Marshal([]any{o.Users(), o.Requests()})
	require.NoError(t, err)
	assert.NotContains(t, string(kept)+record.String(), password)
	assert.Contains(t, record.String(), `\"password\":\"…\"`)
}

func TestAPasswordIsRefusedWhereItIsWeakOrAnAdministratorsOrActiveDirectorys(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	path := "/users/" + o.Add(graphsim.User{UserPrincipalName: lee})
	o.refused(400, "password complexity", "PATCH", path, passwordProfile("simple"))
	user := o.Users()[lee]
	user.Memberships = []graphsim.Membership{{ID: "g1", IsAssignableToRole: true}}
	o.Add(user)
	o.refused(403, "Insufficient privileges", "PATCH", path, passwordProfile(password))
	user.OnPremisesSyncEnabled = true
	o.Add(user)
	o.refused(400, "on-premises mastered", "PATCH", path, passwordProfile(password))
	o.refused(400, "on-premises mastered", "PATCH", path, `{"jobTitle":null}`)
	assert.Zero(t, o.Users()[lee].PasswordChanged)
}
