using System.Device.I2c;
using FedIoT.Display;

// fediot-display ADMIN-SOCKET [BUS]: shows the gateway's state and the room's climate until it is stopped.
if (args is not [var socket, ..] || (args.Length > 1 && !int.TryParse(args[1], out _)))
{
    await Console.Error.WriteLineAsync("usage: fediot-display ADMIN-SOCKET [I2C-BUS]").ConfigureAwait(false);
    return 2;
}

int bus = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1;
using var stopping = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stopping.Cancel();
};
using var sensor = new ClimateSensor(bus);
using var screen = new StatusScreen(I2cDevice.Create(new I2cConnectionSettings(bus, StatusScreen.Address)));
using var gateway = new GatewayState(socket);
using var timer = new PeriodicTimer(TimeSpan.FromSeconds(2), TimeProvider.System);
try
{
    do
    {
        byte[]? status = await gateway.TryReadAsync(stopping.Token).ConfigureAwait(false);
        screen.Show(ScreenText.Of(status, sensor.TryRead()));
    }
    while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false));
}
catch (OperationCanceledException)
{
    screen.Show([]);
}

return 0;
