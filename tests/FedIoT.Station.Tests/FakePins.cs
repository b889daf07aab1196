using System.Device.Gpio;

namespace FedIoT.Station.Tests;

/// <summary>Pins in memory; a pin can fail.</summary>
internal sealed class FakePins : GpioDriver
{
    private readonly Dictionary<int, PinMode> modes = [];

    public Dictionary<int, PinValue> Levels { get; } = [];

    public HashSet<int> Broken { get; } = [];

    protected override int PinCount => 28;

    protected override void OpenPin(int pinNumber) => Require(pinNumber);

    protected override void ClosePin(int pinNumber) => modes.Remove(pinNumber);

    protected override void SetPinMode(int pinNumber, PinMode mode)
    {
        Require(pinNumber);
        modes[pinNumber] = mode;
    }

    protected override PinMode GetPinMode(int pinNumber) => modes[pinNumber];

    protected override bool IsPinModeSupported(int pinNumber, PinMode mode) => true;

    protected override PinValue Read(int pinNumber)
    {
        Require(pinNumber);
        return Levels.GetValueOrDefault(pinNumber, PinValue.Low);
    }

    protected override void Write(int pinNumber, PinValue value)
    {
        Require(pinNumber);
        Levels[pinNumber] = value;
    }

    protected override WaitForEventResult WaitForEvent(
        int pinNumber, PinEventTypes eventTypes, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    protected override void AddCallbackForPinValueChangedEvent(
        int pinNumber, PinEventTypes eventTypes, PinChangeEventHandler callback) => throw new NotSupportedException();

    protected override void RemoveCallbackForPinValueChangedEvent(int pinNumber, PinChangeEventHandler callback) =>
        throw new NotSupportedException();

    private void Require(int pin)
    {
        if (Broken.Contains(pin))
        {
            throw new IOException($"pin {pin} is broken");
        }
    }
}
