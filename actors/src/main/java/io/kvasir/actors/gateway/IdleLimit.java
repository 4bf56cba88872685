package io.kvasir.actors.gateway;

import java.time.Duration;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.stage.AbstractInOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.TimerGraphStageLogic;

/**
 * Ends a connection on which no whole request head has come for the idle time and none is being
 * answered, or when the node closes its connections. Pekko HTTP's own bound restarts with every
 * byte, so that a client which sends one now and then could hold its place for ever.
 */
final class IdleLimit extends GraphStage<FlowShape<HttpRequest, HttpRequest>> {
  private static final int CHECKS_PER_LIMIT = 4;

  private final Inlet<HttpRequest> in = Inlet.create("idleLimit.in");
  private final Outlet<HttpRequest> out = Outlet.create("idleLimit.out");
  private final FlowShape<HttpRequest, HttpRequest> shape = FlowShape.of(in, out);
  private final ClientConnection connection;
  private final Connections connections;
  private final Duration limit;

  IdleLimit(ClientConnection connection, Connections connections, Duration limit) {
    this.connections = connections;
    this.connection = connection;
    this.limit = limit;
  }

  @Override
  public FlowShape<HttpRequest, HttpRequest> shape() {
    return shape;
  }

  @Override
  public TimerGraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends TimerGraphStageLogic {
    Logic() {
      super(shape);
      setHandlers(
          in,
          out,
          new AbstractInOutHandler() {
            @Override
            public void onPush() {
              connection.requestBegan();
              push(out, grab(in));
            }

            @Override
            public void onPull() {
              pull(in);
            }
          });
    }

    @Override
    public void preStart() {
      Duration every = limit.dividedBy(CHECKS_PER_LIMIT);
      scheduleAtFixedRate("idle", every, every);
      AsyncCallback<Done> close = createAsyncCallback(ignored -> completeStage());
      connection.closeBy(() -> close.invoke(Done.getInstance()));
      connections.opened(connection);
    }

    @Override
    public void postStop() {
      connections.closed(connection);
    }

    @Override
    public void onTimer(Object key) {
      if (connection.idleNs() >= limit.toNanos()) {
        completeStage();
      }
    }
  }
}
