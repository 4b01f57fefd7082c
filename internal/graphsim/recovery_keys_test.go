package graphsim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARecoveryKeyIsListedByItsDevice(t *testing.T) {
	t.Parallel()
	o, lee := withLee(t)
	const keys = "/informationProtection/bitlocker/recoveryKeys"
	found := o.list(keys + where("deviceId eq '"+lee.Devices[0].AzureADDeviceID+"'"))
	require.Len(t, found, 1)
	assert.NotContains(t, found[0], "key")
	assert.Empty(t, o.list(keys+where("deviceId eq '"+lee.Devices[1].AzureADDeviceID+"'")))
	assert.Equal(t, 400, o.graph("GET", keys+where("deviceId ne 'x'"), "").status)
}
