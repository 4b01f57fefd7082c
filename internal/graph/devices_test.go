package graph

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const laptop = `{"id":"d1","deviceName":"CONTOSO-LT-0417","operatingSystem":"Windows","managedDeviceOwnerType":"company","managementState":"managed","lastSyncDateTime":"2026-11-01T08:30:00Z","userId":"` + userID + `"}`

func TestDevicesOfAllPagesAreListed(t *testing.T) {
	t.Parallel()
	var s *graphServer
	s, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("$skiptoken") {
		case "":
			fmt.Fprintf(w, `{"value":[%s],"@odata.nextLink":"%s/graph/v1.0/users/%s/managedDevices?$skiptoken=a%%20b"}`, laptop, s.URL, userID)
		case "a b":
			fmt.Fprintf(w, `{"value":[],"@odata.nextLink":"%s/graph/v1.0/users/%s/managedDevices?$skiptoken=c"}`, s.URL, userID)
		default:
			_, _ = io.WriteString(w, `{"value":[{"id":"d2"}]}`)
		}
	})
	devices, err := client.ManagedDevices(t.Context(), userID)
	require.NoError(t, err)
	require.Len(t, devices, 2)
	assert.Equal(t, ManagedDevice{ID: "d1", DeviceName: "CONTOSO-LT-0417", OperatingSystem: "Windows", ManagedDeviceOwnerType: "company",
		ManagementState: "managed", LastSyncDateTime: time.Date(2026, 11, 1, 8, 30, 0, 0, time.UTC), UserID: userID}, devices[0])
	assert.Equal(t, "d2", devices[1].ID)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/managedDevices?$select="+deviceFields, s.all()[0].target)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/managedDevices?$skiptoken=a%20b", s.all()[1].target, "a next link is followed as it is")
}

func TestANextPageOnAnotherHostIsNotFetched(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the token was carried elsewhere") }))
	t.Cleanup(elsewhere.Close)
	for _, link := range []string{elsewhere.URL + "/x", "https://HOST/x", "http://user@HOST/x", "http://HOST.example.com/x", "//HOST/x", "/graph/x", "http://[::1", "ftp://HOST/x", "http:opaque"} {
		t.Run(link, func(t *testing.T) {
			t.Parallel()
			var s *graphServer
			s, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"value":[%s],"@odata.nextLink":%q}`, laptop, strings.ReplaceAll(link, "HOST", strings.TrimPrefix(s.URL, "http://")))
			})
			devices, err := client.ManagedDevices(t.Context(), userID)
			require.ErrorContains(t, err, "the next page is on another host")
			assert.Empty(t, devices, "half a list is no list")
			assert.Len(t, s.all(), 1)
		})
	}
}

func TestAnAnswerWithoutAListIsNoEmptyList(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `null`, `{"value":null}`, `{"error":null}`, ``, `[]`, `{"value":{}}`} {
		_, client := serve(t, reply(http.StatusOK, body))
		_, err := client.ManagedDevices(t.Context(), userID)
		noAnswer(t, "list managedDevices", err)
	}
	_, client := serve(t, reply(http.StatusOK, `{"value":[]}`))
	devices, err := client.ManagedDevices(t.Context(), userID)
	require.NoError(t, err)
	assert.Empty(t, devices)
}

func TestOneDeviceIsReadByItsID(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, laptop))
	device, err := client.ManagedDevice(t.Context(), "d1")
	require.NoError(t, err)
	assert.Equal(t, "CONTOSO-LT-0417", device.DeviceName)
	assert.Equal(t, "/graph/v1.0/deviceManagement/managedDevices/d1?$select="+deviceFields, s.all()[0].target)

	_, err = client.ManagedDevice(t.Context(), "d2")
	require.ErrorContains(t, err, "another device")
}

func TestRemovalIsAPostWithoutBody(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})))
	r := s.all()[0]
	assert.Equal(t, "POST", r.method)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/removeAllDevicesFromManagement", r.target)
	assert.Empty(t, r.body)
	assert.Equal(t, "0", r.header.Get("Content-Length"))
}

func TestOneDeviceIsAskedByItsID(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, failureOf(client.RetireDevice(t.Context(), "d1", Approval{})))
	require.NoError(t, failureOf(client.WipeDevice(t.Context(), "d1", Wipe{KeepUserData: true}, Approval{})))
	require.NoError(t, failureOf(client.DeleteDevice(t.Context(), "d1", Approval{})))
	for i, want := range []struct{ method, below, body string }{
		{"POST", "/retire", ""},
		{"POST", "/wipe", `{"keepUserData":true,"keepEnrollmentData":false}`},
		{"DELETE", "", ""},
	} {
		assert.Equal(t, want.method, s.all()[i].method)
		assert.Equal(t, "/graph/v1.0/deviceManagement/managedDevices/d1"+want.below, s.all()[i].target)
		assert.Equal(t, want.body, s.all()[i].body)
	}
}

// Graph ignores a filter that it does not know, and lists the devices of every user.
func TestAFilterThatGraphIgnoresFindsNothingWrong(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, fmt.Sprintf(`{"value":[{"id":"d1","azureADDeviceId":%q},{"id":"d2","azureADDeviceId":%q},{"id":"d3"}]}`, otherwise, inEntra)))
	devices, err := client.ManagedDevicesInEntraAs(t.Context(), inEntra)
	require.NoError(t, err)
	require.Len(t, devices, 1)
	assert.Equal(t, "d2", devices[0].ID)
	assert.Equal(t, "azureADDeviceId eq '"+inEntra+"'", filter(t, s))
}

func TestWhatIsNoGUIDIsInNoFilter(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[]}`))
	for _, id := range []string{"", "x' or deviceId ne '", "adele@contoso.com", "x" + inEntra + "y"} {
		_, err := client.HasRecoveryKey(t.Context(), id)
		require.ErrorAs(t, err, new(*UnusableIDError))
		_, err = client.ManagedDevicesInEntraAs(t.Context(), id)
		require.ErrorAs(t, err, new(*UnusableIDError))
	}
	assert.Empty(t, s.all())
}

func TestARecoveryKeyIsOnRecordForADeviceAndNotForAnother(t *testing.T) {
	t.Parallel()
	for deviceID, want := range map[string]bool{inEntra: true, "0F1E2D3C-1111-4222-8333-444455556666": true, otherwise: false} {
		s, client := serve(t, reply(http.StatusOK, fmt.Sprintf(`{"value":[{"id":"k1","deviceId":%q}]}`, deviceID)))
		found, err := client.HasRecoveryKey(t.Context(), inEntra)
		require.NoError(t, err)
		assert.Equal(t, want, found, deviceID)
		assert.Equal(t, "deviceId eq '"+inEntra+"'", filter(t, s))
		assert.NotContains(t, s.all()[0].target, "key=", "no key is read")
	}
}
