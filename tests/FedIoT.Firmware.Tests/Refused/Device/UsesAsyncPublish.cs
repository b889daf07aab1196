using nanoFramework.M2Mqtt;

public class UsesAsyncPublish { public static object Send(MqttClient c) { return c.PublishAsync("t"); } }
