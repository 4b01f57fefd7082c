package graphsim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAppsAreWipedByTheirDevicesTag(t *testing.T) {
	t.Parallel()
	o, _ := withLee(t)
	assert.Len(t, o.list("/users/lee@contoso.com/managedAppRegistrations"), 3)
	const wipe = "/users/lee@contoso.com/wipeManagedAppRegistrationsByDeviceTag"
	assert.Equal(t, 204, o.graph("POST", wipe, `{"deviceTag":"t1"}`).status)
	assert.Equal(t, 400, o.graph("POST", wipe, `{}`).status)
	assert.Len(t, o.list("/users/lee@contoso.com/managedAppRegistrations"), 1)
}
