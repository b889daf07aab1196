// Signatures of .NET nanoFramework's System.Device.Wifi 1.5, as far as the device uses them. Never runs.

namespace System.Device.Wifi
{
    public enum WifiReconnectionKind
    {
        Automatic,
        Manual,
    }
}
