// Signatures of UnitsNet 5.74.0, which Iot.Device.Bindings 4.2.0 uses, as far as the display uses them. Never runs.
namespace UnitsNet
{
    public readonly struct Temperature
    {
        public extern double DegreesCelsius { get; }
    }

    public readonly struct RelativeHumidity
    {
        public extern double Percent { get; }
    }

    public readonly struct Pressure
    {
        public extern double Hectopascals { get; }
    }
}
