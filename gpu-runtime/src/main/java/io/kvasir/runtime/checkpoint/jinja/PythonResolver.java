package io.kvasir.runtime.checkpoint.jinja;

import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import java.beans.FeatureDescriptor;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;

/**
 * Attribute and method access as in Python for strings, lists and dictionaries; anything else is
 * undefined, so that a template reaches no Java object. Stateless.
 */
final class PythonResolver extends ELResolver {
  private final ELResolver fallback = JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY;

  @Override
  public Object getValue(ELContext context, Object base, Object property) {
    if (base == null) {
      return fallback.getValue(context, null, property);
    }
    boolean plain = base instanceof Number || base instanceof Boolean || base instanceof PythonNone;
    if (plain || base instanceof String || base instanceof List || base instanceof Map) {
      context.setPropertyResolved(true);
      return switch (base) {
        case String text -> {
          int[] points = text.codePoints().toArray();
          int index = index(property, points.length);
          yield index < 0 ? null : Character.toString(points[index]);
        }
        case List<?> list -> {
          int index = index(property, list.size());
          yield index < 0 ? null : list.get(index);
        }
        case Map<?, ?> map -> map.get(property);
        default -> null;
      };
    }
    return fallback.getValue(context, base, property);
  }

  /** The index that a property names, counted from the end when negative; -1 when there is none. */
  private static int index(Object property, int count) {
    String text = String.valueOf(property);
    if (!text.matches("-?[0-9]{1,9}")) {
      return -1;
    }
    int index = Integer.parseInt(text);
    index = index < 0 ? index + count : index;
    return index < count ? Math.max(index, -1) : -1;
  }

  @Override
  public Object invoke(
      ELContext context, Object base, Object method, Class<?>[] types, Object[] params) {
    Object[] args = params == null ? new Object[0] : params;
    Object result = PythonMethods.call(base, String.valueOf(method), args);
    if (result != PythonMethods.UNKNOWN) {
      context.setPropertyResolved(true);
      return result;
    }
    return fallback.invoke(context, base, method, types, params);
  }

  @Override
  public Class<?> getType(ELContext context, Object base, Object property) {
    return fallback.getType(context, base, property);
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {
    fallback.setValue(context, base, property, value);
  }

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
    return null;
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return Object.class;
  }
}
